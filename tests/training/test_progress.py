import io

from seglossbench.params import TrainParams
from seglossbench.records import HistoryRow
from seglossbench.training.progress import Progress

SETTINGS = TrainParams(epochs=10, steps_per_epoch=4, batch_size=2, patch_size=(8, 8, 8))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(stream, first_epoch=0):
    with Progress("brats/unet", SETTINGS, first_epoch, stream) as progress:
        for epoch in range(first_epoch, first_epoch + 2):
            for _ in range(4):
                progress.step()
            progress.epoch(
                [
                    HistoryRow(epoch, 4, "train", "loss", 0.51236),
                    HistoryRow(epoch, 4, "validation", "DSC", 0.25),
                    HistoryRow(epoch, 4, "cost", "patches_per_second", 12.3456),
                ]
            )
    return stream.getvalue()


def test_a_log_gets_one_plain_line_per_epoch():
    lines = show(io.StringIO(), first_epoch=3).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("brats/unet: epoch 4 of 10: loss 0.5124, DSC 0.250, 12.3 patches/s, 0:00:0")
    assert lines[1].endswith(" left")


def test_a_terminal_gets_a_bar_with_loss_speed_and_time_left():
    bar = show(Terminal())
    last = bar.split("\r")[-1]
    for words in ("brats/unet:  20%", "16/80", "patch/s", "epoch=2/10", "loss=0.5124", "DSC=0.250"):
        assert words in last
