from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: `make test-train` installs it")
pytest.importorskip("onnx", reason="onnx is not installed: `make test-train` installs it")

from ecground.signal.delineate import normalise  # noqa: E402
from ecground.train.delineate import DelineateArgs, fit  # noqa: E402
from ecground.train.delineation_data import augment, noise, rasterise  # noqa: E402
from ecground.train.delineation_net import DelineationConfig, DelineationNet  # noqa: E402
from ecground.train.delineation_sources import pseudo_label, simulated_examples  # noqa: E402
from ecground.train.export import export_delineation, register  # noqa: E402

pytestmark = pytest.mark.train
TINY = DelineationConfig(channels=(4, 4, 4, 4, 4), record=(4, 4, 4, 4, 4), kernel=3, record_kernel=3)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def examples():
    return simulated_examples(6, np.random.default_rng(0))


class Killed(list):
    """Records whose reading is interrupted after a while."""

    def __init__(self, records, *, after):
        super().__init__(records)
        self.left = after

    def __getitem__(self, index):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def args(folder, **changes):
    return DelineateArgs(data="", out=str(folder), batch=2, length=640, checkpoint_every=2, **changes)


def test_loss_falls(tmp_path, examples):
    fit(DelineationNet(TINY), [examples], (1.0,), args(tmp_path), steps=100, lr=1e-2, name="x")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]


def test_a_resumed_run_gives_the_same_bits(tmp_path, examples):
    torch.manual_seed(5)
    start = DelineationNet(TINY).state_dict()

    def run(folder, records):
        folder.mkdir(exist_ok=True)
        net = DelineationNet(TINY)
        net.load_state_dict(start)
        return fit(net, [records], (1.0,), args(folder), steps=6, lr=1e-3, name="x")

    whole = run(tmp_path / "whole", examples)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", Killed(examples, after=9))  # two records a step: dies in the fifth step
    resumed = run(tmp_path / "broken", examples)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_onnx_says_what_torch_says_for_any_number_of_leads(tmp_path):
    import onnxruntime

    net = DelineationNet(TINY).eval()
    path = tmp_path / "net.onnx"
    export_delineation(net, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for leads, t in ((1, 320), (12, 640), (15, 64)):
        x = torch.randn(1, leads, t)
        seen = (torch.rand(1, leads, t) > 0.1).float()
        lead_p, joint_p = session.run(None, {"signal": x.numpy(), "seen": seen.numpy()})
        with torch.no_grad():
            a, b = net(x, seen)
        assert lead_p == pytest.approx(a.softmax(2).numpy(), abs=1e-5)
        assert joint_p == pytest.approx(b.sigmoid().numpy(), abs=1e-5)


def test_leads_can_be_given_in_any_order_and_unseen_samples_do_not_matter():
    net = DelineationNet(TINY).eval()
    x, seen = torch.randn(1, 5, 320), torch.ones(1, 5, 320)
    seen[0, 2, 100:200] = 0
    order = [3, 1, 4, 0, 2]
    with torch.no_grad():
        lead, joint = net(x, seen)
        swapped_lead, swapped_joint = net(x[:, order], seen[:, order])
        x[0, 2, 100:200] = 1e3
        other, _ = net(x, seen)
    assert torch.allclose(lead[:, order], swapped_lead, atol=1e-5)
    assert torch.allclose(joint, swapped_joint, atol=1e-5)
    assert torch.allclose(lead, other, atol=1e-5)


def test_views_keep_signal_and_classes_together(examples):
    rng = np.random.default_rng(3)
    for example in examples:
        x, seen, y = augment(example, rng, length=1000)
        assert x.shape == seen.shape == y.shape == (12, 1000)
        assert np.isfinite(x).all()
        assert set(np.unique(y)) <= {-1, 0, 1, 2, 3}


def test_classes_are_known_between_the_first_and_last_mark_only():
    y = rasterise({"II": [("QRS", 100, 150), ("T", 300, 400)]}, ("I", "II"), fs=500, n=300)
    assert (y[0] == -1).all()
    assert (y[1, 50:76] == 2).all()
    assert (y[1, 76:150] == 0).all()
    assert (y[1, :50] == -1).all()


def test_noise_has_the_shape_asked_for():
    x = np.ones((3, 500), np.float32)
    assert noise(x, np.random.default_rng(0)).shape == (3, 500)


def test_fibrillation_label_takes_the_p_waves_out(examples):
    net = DelineationNet(TINY)
    with torch.no_grad():
        net.lead_head.weight.zero_()
        net.lead_head.bias.copy_(torch.tensor([0.0, 5.0, 0.0, 0.0]))  # a network that sees P everywhere
    marked = pseudo_label(net.eval(), examples[0].signal, frozenset({"AFIB"}))
    assert marked is not None
    assert not (marked.classes == 1).any()
    plain = pseudo_label(net.eval(), examples[0].signal, frozenset())
    assert plain is not None
    assert (plain.classes == 1).all()


def test_normalise_ignores_what_is_not_seen():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.2, (2, 400)).astype(np.float32)
    seen = np.ones_like(x, bool)
    seen[0, :100] = False
    y = x.copy()
    y[0, :100] = np.nan
    assert normalise(y, seen)[0, 100:] == pytest.approx(normalise(x, seen)[0, 100:])
    assert (normalise(y, seen)[0, :100] == 0).all()


def test_the_manifest_holds_the_hash(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"weights")
    register(path, "net", {"fs": 250})
    entry = json.loads((tmp_path / "manifest.json").read_text())["net"]
    assert entry["file"] == "net.onnx"
    assert len(entry["sha256"]) == 64
