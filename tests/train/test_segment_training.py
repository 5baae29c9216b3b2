from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: `make test-train` installs it")
pytest.importorskip("onnx", reason="onnx is not installed: `make test-train` installs it")

from ecground.digitize.segment import NAMES, TOKENS, read  # noqa: E402
from ecground.digitize.sheet import Sheet, Warp  # noqa: E402
from ecground.paper.photo import photograph  # noqa: E402
from ecground.train.export import export_segmentation  # noqa: E402
from ecground.train.segment import SegmentArgs, fit, loss_of  # noqa: E402
from ecground.train.segment_augment import ruled, scattered, worn  # noqa: E402
from ecground.train.segment_data import UNSURE, Slack, Spot, heat_of  # noqa: E402
from ecground.train.segment_net import SegmentConfig, SegmentNet  # noqa: E402
from ecground.train.segment_pages import PageSource, Shot  # noqa: E402
from ecground.train.segment_score import Score, whole  # noqa: E402
from ecground.train.segment_supply import batch_of  # noqa: E402

pytestmark = pytest.mark.train
TINY = SegmentConfig(channels=(4, 4, 4, 4, 4), blocks=(0, 0, 1, 0, 0))
SOURCE = PageSource((), ("aileron", "opencv"), photographed=0.0, seed=3, simulated=1.0, crops=4, side=96)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def shot() -> Shot:
    return SOURCE.shot(np.random.default_rng(5))


def args(folder, **changes):
    return SegmentArgs(data="", out=str(folder), batch=2, window=2, **changes)


def darkest(image, column, low, high):
    """Middle of the ink in a column, from its darkness against the column's usual brightness."""
    line = np.median(image, axis=0)[column] - image[low:high, column].astype(float)
    weight = np.clip(line.sum(axis=-1) - 0.5 * line.sum(axis=-1).max(), 0, None)
    return (weight * np.arange(low, high)).sum() / weight.sum()


@pytest.mark.parametrize("kind", ["rendered", "scan", "phone"])
def test_targets_lie_on_the_ink(shot, kind):
    photo = shot.flat if kind == "rendered" else photograph(shot.flat, kind, np.random.default_rng(2))
    _, cut = whole(Shot(shot.flat, photo), np.random.default_rng(3))
    seen = np.repeat(np.repeat(cut.seen, 4, 0), 4, 1)
    on = (cut.trace > 200) & seen
    near = (cut.trace == 0) & seen
    beside = near & (np.roll(on, 8, axis=0) | np.roll(on, -8, axis=0))
    assert on.sum() > 2000
    grey = cut.image.mean(axis=2)
    assert grey[on].mean() < grey[beside].mean() - 20


def test_heights_point_at_the_zero_line(shot):
    _, cut = whole(shot, np.random.default_rng(0))
    truth = shot.flat.truth
    scale = 8.0 / truth.px_per_mm[0]
    lines = np.array([(lead.baseline[0, 1] + 0.5) * scale - 0.5 for lead in truth.leads])
    row, column = np.nonzero(np.isfinite(cut.height))
    zero = row * 4 + 1.5 + cut.height[row, column].astype(float) * 80
    assert np.abs(zero[:, None] - lines).min(axis=1).max() < 0.5


def test_slack_is_undone():
    slack = Slack.draw(np.random.default_rng(1))
    points = np.random.default_rng(2).uniform(0, 384, (50, 2))
    centre = np.array([192.0, 192.0])
    assert np.abs(slack.of(points, centre) - points).max() > 0.2
    assert slack.of(slack.undone(points, centre), centre) == pytest.approx(points, abs=0.01)


def test_names_have_their_spots(shot):
    _, cut = whole(shot, np.random.default_rng(0))
    printed = [lead.lead for lead in shot.flat.truth.leads if lead.name is not None]
    assert sorted(NAMES[s.kind] for s in cut.spots if 0 <= s.kind < len(NAMES)) == sorted(printed)


def test_heat_peaks_at_the_spot_and_doubtful_ones_are_not_learned():
    heat, known = heat_of((Spot(2, 51.5, 99.5), Spot(UNSURE, 20.0, 20.0)), (128, 128))
    assert heat[2, 12, 6] == heat[2].max() == 1.0
    assert heat[[0, 1, *range(3, len(NAMES) + len(TOKENS))]].max() == 0
    assert not known[2, 2]
    assert known[12, 6]


def test_scattered_words_are_known_text():
    blank = replace(SOURCE, side=384, crops=1).page(0)[0]
    crop = scattered(blank, SOURCE.fonts, np.random.default_rng(0))
    fresh = [s for s in crop.spots if s not in blank.spots]
    assert fresh
    for spot in fresh:
        row, column = int(spot.y) // 4, int(spot.x) // 4
        assert crop.marks[row - 3:row + 4, column - 3:column + 4].max() & 4


def test_beyond_the_edges_of_a_photograph_there_is_nothing(shot):
    cropped = replace(shot.flat, image=shot.flat.image[:, : shot.flat.image.shape[1] // 2].copy(),
                      truth=replace(shot.flat.truth))
    _, cut = whole(Shot(shot.flat, cropped), np.random.default_rng(0))
    far = cut.trace.shape[1] * 5 // 8
    assert cut.trace[:, :far // 2].any()
    assert not cut.trace[:, far:].any()
    assert not np.isfinite(cut.height[:, far // 4:]).any()
    assert cut.seen.all()
    assert all(spot.kind == UNSURE for spot in cut.spots if spot.x > far)


def test_rules_are_separators():
    blank = replace(SOURCE, crops=1).page(1)[0]
    crop = ruled(blank, np.random.default_rng(0))
    darker = (crop.image < blank.image).any(axis=2)
    cells = darker.reshape(24, 4, 24, 4).any(axis=(1, 3))
    assert darker.any()
    assert (crop.marks[cells] & 2).all()
    assert (crop.trace == blank.trace).all()


def test_wear_keeps_size_and_type():
    image = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    for seed in range(40):
        result = worn(image, np.random.default_rng(seed), severity=1.0)
        assert result.shape == image.shape
        assert result.dtype == np.uint8
    assert not (result == image).all()


def test_pages_depend_on_nothing_but_seed_and_number():
    for a, b in zip(SOURCE.page(4), SOURCE.page(4), strict=True):
        assert (a.image == b.image).all()
        assert a.spots == b.spots
    assert any((a.image != b.image).any() for a, b in zip(SOURCE.page(4), SOURCE.page(5), strict=True))


def test_what_is_hidden_costs_nothing():
    batch = batch_of(list(SOURCE.page(0)))
    net = SegmentNet(TINY)
    batch.seen[:], batch.known[:] = 0, 0
    assert loss_of(net, batch).tolist() == pytest.approx([0.0] * 5, abs=1e-6)


def test_a_resumed_run_gives_the_same_bits(tmp_path):
    def run(folder, steps):
        torch.manual_seed(1)
        return fit(SegmentNet(TINY), SOURCE, args(folder, checkpoint_every=1), steps=steps, lr=1e-3, kinds=1.0,
                   name="x")

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    through = run(tmp_path / "a", 2)
    saved = torch.load(tmp_path / "a" / "x.ckpt", weights_only=True)
    assert saved["step"] == 2
    with pytest.raises(KeyboardInterrupt):
        interrupted(run, tmp_path / "b")
    again = run(tmp_path / "b", 2)
    for a, b in zip(through.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def interrupted(run, folder):
    """A run that is stopped in its second step."""
    from ecground.train import segment

    calls, loss = [], segment.loss_of

    def failing(net, batch):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return loss(net, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "loss_of", failing)
        run(folder, 2)


def test_loss_falls(tmp_path):
    fit(SegmentNet(TINY), SOURCE, args(tmp_path, pages_per_step=0.0), steps=60, lr=1e-2, kinds=1.0, name="x")
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["trace"] < log[0]["trace"]
    assert log[-1]["marks"] < log[0]["marks"]


def test_the_exported_network_gives_the_same_answer(tmp_path):
    import onnxruntime

    net = SegmentNet(TINY).eval()
    with torch.no_grad():
        net.trace_head[0].bias.zero_()
        net.heat_head[1].bias.zero_()
    export_segmentation(net, tmp_path / "net.onnx")
    network = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    image = np.random.default_rng(0).integers(0, 255, (160, 96, 3)).astype(np.uint8)
    with torch.inference_mode():
        trace, cells, _ = net(torch.from_numpy(image).permute(2, 0, 1)[None].float())
    warp = Warp(8.0, np.zeros((2, 2, 2)))
    found = read(network, Sheet(image, warp, np.ones((160, 96), bool), 1.0, 1.0))
    assert found.trace == pytest.approx(trace[0, 0].sigmoid().numpy(), abs=1e-4)
    assert found.pulse[::4, ::4] == pytest.approx(cells[0, 1].sigmoid().numpy(), abs=1e-4)
    middle = (found.height_mm[1::4, ::4] + found.height_mm[2::4, ::4]) / 2
    assert middle == pytest.approx(10 * cells[0, 0].numpy(), abs=1e-3)


def test_a_perfect_reading_scores_one(shot):
    from ecground.digitize.segment import NameHit, Segmentation, TokenHit

    _, cut = whole(shot, np.random.default_rng(0))
    trace = cut.trace.astype(np.float32) / 255
    cells = np.repeat(np.repeat(np.nan_to_num(cut.height.astype(np.float32)) * 10, 4, 0), 4, 1)
    cells -= ((np.arange(len(cells)) % 4 - 1.5) / 8).astype(np.float32)[:, None]
    names = tuple(NameHit(NAMES[s.kind], s.x, s.y, 1.0) for s in cut.spots if 0 <= s.kind < len(NAMES))
    notes = tuple(TokenHit(*TOKENS[s.kind - len(NAMES)], s.x, s.y, 1.0) for s in cut.spots if s.kind >= len(NAMES))
    nothing = np.zeros_like(trace)
    score = Score()
    score.add(cut, Segmentation(trace, cells, nothing, nothing, nothing, names, notes))
    assert score.both == score.either > 0
    assert score.height_errors[0] < 0.01
    assert score.centre_errors[0] < 0.01
    assert score.names[0] == score.names[1] == score.names[2] == len(names)
