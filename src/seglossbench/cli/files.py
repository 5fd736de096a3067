"""Commands that need no params: score, diagnose-maps, verify-parity."""

from pathlib import Path

import click

from seglossbench.cli.application import cli
from seglossbench.errors import JobError
from seglossbench.vocabulary.conventions import EMPTY_POLICIES, HD95_CONVENTIONS, MISSING, Missing


@cli.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("prediction", type=click.Path(path_type=Path))
@click.option(
    "--regions", help="Classes and regions to score, such as 'WT=1,2,4 TC=1,4 ET=4'; by default every label."
)
@click.option(
    "--metrics",
    show_default="DSC,HD,HD95,ASSD,NSD@1mm, without those that --empty does not define",
    help="Metrics, split by commas.",
)
@click.option("--hd95", type=click.Choice(HD95_CONVENTIONS), default="pooled", show_default=True)
@click.option(
    "--empty",
    type=click.Choice(EMPTY_POLICIES),
    default="diagonal",
    show_default=True,
    help="What an empty mask scores.",
)
@click.option(
    "--missing",
    type=click.Choice(MISSING),
    default="error",
    show_default=True,
    help="A truth without prediction: an error, scored as empty, or left out (as a prediction without truth).",
)
@click.option(
    "--ignore",
    type=int,
    metavar="LABEL",
    help="Leaves out voxels of this label in the truth; by default nnU-Net's ignore of the dataset.json beside it.",
)
@click.option("--loss", default="-", metavar="NAME", help="What the scores are of, as reports call it.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("scores.csv"), show_default=True)
def score(
    truth: Path,
    prediction: Path,
    regions: str | None,
    metrics: str | None,
    hd95: str,
    empty: str,
    missing: Missing,
    ignore: int | None,
    loss: str,
    workers: int,
    out: Path,
) -> None:
    """Score PREDICTION against TRUTH: two files, or two folders whose files are paired by name. No params are needed.

    \b
    Examples:
      seglossbench score truth.nii.gz prediction.nii.gz
      seglossbench score labelsTs predictions --regions "WT=1,2,4 TC=1,4 ET=4" --out scores.csv
      seglossbench score labelsTs cwcd --loss CWCD --missing empty --ignore 255 --out cwcd.csv
    """
    from seglossbench import standalone

    said = standalone.score(
        truth,
        prediction,
        regions,
        metrics.split(",") if metrics else None,
        hd95=hd95,
        empty=empty,
        missing=missing,
        ignore=ignore,
        loss=loss,
        workers=workers,
        out=out,
    )
    for line in said:
        click.echo(line, err=True)
    click.echo(out)


@cli.command("diagnose-maps")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option("--mm", is_flag=True, help="Distances in mm by the file's voxel size; by default in voxels.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/diagnosis"), show_default=True)
def diagnose_maps(labels: Path, mm: bool, out: Path) -> None:
    """Show where the region-wise maps of a label map LABELS can push a prediction away from the truth.

    Writes maps.png, maps.pdf and maps.csv: the boundary, active-contour and rectified maps side by side.

    \b
    Example:
      seglossbench diagnose-maps labelsTr/case.nii.gz --out diagnosis
    """
    from seglossbench import standalone

    click.echo(standalone.diagnose_maps(labels, out, in_mm=mm))
    click.echo(out / "maps.png")


@cli.command("verify-parity")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--device", default="cpu", show_default=True, help="Where to compute: cpu, cuda or mps.")
def verify_parity(folder: Path, device: str) -> None:
    """Compare what is here with golden .npz files of the papers' released code; exit 1 on a miss.

    Losses with their gradients and contours, whole trainings, learning rates, maps of patches in which classes are
    absent or alone: whichever the files in FOLDER hold.

    \b
    Examples:
      seglossbench verify-parity tests/golden
      seglossbench verify-parity tests/golden/trajectories
      seglossbench verify-parity tests/golden --device cuda
    """
    from seglossbench.losses.parity import format_table
    from seglossbench.training.device import choose_device
    from seglossbench.training.parity import verify

    rows = verify(folder, str(choose_device(device, "--device")))
    click.echo(format_table(rows))
    missed = [row.value for row in rows if not row.passed]
    if missed:
        raise JobError(f"{folder}: {len(missed)} of {len(rows)} values do not agree: {', '.join(missed)}")
