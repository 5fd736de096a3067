#!/usr/bin/env bash
# MLflow for a group: PostgreSQL, artifacts and a log below one folder, served on this machine alone until Ctrl-C.
#   workflow/serve_mlflow.sh FOLDER [PORT]
set -euo pipefail
folder=$(mkdir -p "${1:?give the folder of database and artifacts}" && cd "$1" && pwd)
port=${2:-5000}
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)"
command -v pg_ctl >/dev/null || { echo "serve_mlflow: no PostgreSQL here; apt-get install postgresql" >&2; exit 2; }

# PostgreSQL refuses to run as root; then its own user, whom Debian's package makes, has the database.
cd "$folder"
as_owner() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- env PATH="$PATH" "$@"; else "$@"; fi; }
mkdir -p "$folder/database" "$folder/artifacts"
if [ "$(id -u)" = 0 ]; then chown postgres "$folder/database"; fi
data="$folder/database/data" sockets=$(mktemp -d)  # a socket's path may have 107 signs
chmod 755 "$sockets"
if [ "$(id -u)" = 0 ]; then chown postgres "$sockets"; fi
[ -d "$data" ] || as_owner initdb -D "$data" -A trust -E UTF8 -U mlflow >/dev/null
as_owner pg_ctl -D "$data" -w -l "$folder/database/log" -o "-k $sockets -c listen_addresses= -c unix_socket_permissions=0777" start >/dev/null
stop() { as_owner pg_ctl -D "$data" -m fast stop >/dev/null; rm -rf "$sockets"; }
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
psql -h "$sockets" -U mlflow -d postgres -tAc "SELECT 1 FROM pg_database WHERE datname = 'mlflow'" | grep -q 1 ||
  createdb -h "$sockets" -U mlflow mlflow

MLFLOW_BACKEND_STORE_URI="postgresql+psycopg2://mlflow@/mlflow?host=$sockets" MLFLOW_DISABLE_TELEMETRY=true \
  "${PYTHON:-python}" -m mlflow server --host 127.0.0.1 --port "$port" --workers 2 \
  --artifacts-destination "$folder/artifacts" --serve-artifacts &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; stop' EXIT
wait $server
