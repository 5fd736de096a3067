// Tables that sort, filter, turn their pages, and say more of a cell.
(() => {
  "use strict";
  const $ = (query, inside = document) => [...inside.querySelectorAll(query)];

  // A long table shows a page of its rows; those beyond the first one lie packed in the table until they are asked for.
  const turns = new Map();
  const unpack = async table => {
    const bytes = Uint8Array.from(atob(table.dataset.more), sign => sign.charCodeAt(0));
    table.removeAttribute("data-more");
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    table.tBodies[0].insertAdjacentHTML("beforeend", await new Response(stream).text());
    document.dispatchEvent(new Event("unpacked"));
  };
  const whole = (table, then) => { if (table?.dataset.more) unpack(table).then(then); else then(); };
  const first = table => turns.get(table)?.(0);
  $("[data-page]").forEach(table => {
    const size = Number(table.dataset.page), total = Number(table.dataset.rows);
    const bar = document.createElement("p"), said = document.createElement("span");
    const [back, on] = ["Previous", "Next"].map(words => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(`${words} ${size}`);
      return button;
    });
    let page = 0;
    const turn = to => {
      const rows = [...table.tBodies[0].rows].filter(row => !row.hasAttribute("hidden") && !row.classList.contains("filtered"));
      const count = table.dataset.more ? total : rows.length;
      page = Math.max(0, Math.min(to, Math.ceil(count / size) - 1));
      rows.forEach((row, index) => row.classList.toggle("elsewhere", Math.floor(index / size) !== page));
      said.textContent = count ? `rows ${page * size + 1} to ${Math.min(count, (page + 1) * size)} of ${count}` : "no rows";
      back.disabled = page === 0;
      on.disabled = (page + 1) * size >= count;
    };
    said.setAttribute("role", "status");
    bar.className = "turns";
    bar.append(back, on, said);
    back.addEventListener("click", () => turn(page - 1));
    on.addEventListener("click", () => { const next = page + 1; whole(table, () => turn(next)); });
    table.closest(".wide").after(bar);
    turns.set(table, turn);
    document.addEventListener("chosen", ({detail}) => { if (detail && table.dataset.more) whole(table, () => {}); else turn(page); });
  });

  // A click on a head sorts its column; rows of class "first" stay first, cells without a number go last.
  const sort = button => {
    const head = button.closest("th"), place = [...head.parentNode.children].indexOf(head);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => {
      const cell = row.children[place], number = cell.dataset.by ?? "";
      return cell.classList.contains("num") || cell.classList.contains("word")
        ? (number === "" ? null : Number(number)) : cell.textContent.trim().toLowerCase();
    };
    const order = (x, y) => x === null ? (y === null ? 0 : 1) : y === null ? -1 : (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].filter(row => !row.classList.contains("first"));
    rows.map(row => [value(row), row]).sort((a, b) => order(a[0], b[0])).forEach(([, row]) => body.append(row));
  };
  $("[data-sort]").forEach(button => button.addEventListener("click", () => {
    const table = button.closest("table");
    whole(table, () => { sort(button); first(table); });
  }));

  // Filters: rows that have all the words typed.
  const filter = input => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean), of = input.dataset.filter;
    const rows = $(`#${of}-tables tr[data-name]`);
    let kept = 0;
    for (const row of rows) {
      const fits = words.every(word => row.dataset.name.includes(word));
      row.classList.toggle("filtered", !fits);
      kept += fits;
    }
    $(`[data-count=${of}]`).forEach(place => { place.textContent = `${kept} of ${rows.length}`; });
  };
  $("[data-filter]").forEach(input => input.addEventListener("input", () => {
    const paged = document.querySelector(`#${input.dataset.filter}-tables [data-page]`);
    whole(paged, () => { filter(input); first(paged); });
  }));

  // Cells that say more, where the pointer or the focus is; one cell of a table is reached by tab, the others by arrows.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  document.querySelector("main").append(tip);
  const tell = cell => {
    tip.textContent = cell ? cell.dataset.tell : "";
    if (!cell) return;
    const at = cell.getBoundingClientRect(), below = at.bottom + 4, room = innerHeight - tip.offsetHeight;
    tip.style.left = `${Math.max(4, Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${below <= room ? below : at.top - tip.offsetHeight - 4}px`;
  };
  const telling = target => target.closest?.("[data-tell]");
  ["pointerover", "focusin"].forEach(kind => document.addEventListener(kind, ({target}) => { if (target !== tip) tell(telling(target)); }));
  addEventListener("scroll", () => tell(telling(document.activeElement)), {capture: true, passive: true});
  const reachable = cell => cell.getClientRects().length > 0;
  const step = (cell, down, right) => {
    if (right) {
      let next = cell;
      do next = right > 0 ? next.nextElementSibling : next.previousElementSibling;
      while (next && !("tell" in next.dataset && reachable(next)));
      return next;
    }
    const rows = $("tr", cell.closest("table")), place = rows.indexOf(cell.parentNode);
    const others = down > 0 ? rows.slice(place + 1) : rows.slice(0, place).reverse();
    return others.map(row => row.cells[cell.cellIndex]).find(next => next && "tell" in next.dataset && reachable(next));
  };
  document.addEventListener("keydown", event => {
    const cell = telling(event.target);
    if (event.key === "Escape") tell(null);
    const [down, right] = {ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1]}[event.key] ?? [0, 0];
    const next = cell && (down || right) ? step(cell, down, right) : null;
    if (!next) return;
    event.preventDefault();
    cell.removeAttribute("tabindex");
    next.tabIndex = 0;
    next.focus();
  });
  document.addEventListener("chosen", () => $("table").forEach(table => {
    const cells = $("[data-tell]", table), now = cells.find(cell => cell.tabIndex === 0);
    const first = cells.find(cell => !cell.closest("[hidden]"));
    if (!first || (now && !now.closest("[hidden]"))) return;
    now?.removeAttribute("tabindex");
    first.tabIndex = 0;
  }));
})();
