"""ordinary: a recogniser without countermeasures → data/ordinary/<model>-<seed>.safetensors."""

import project  # noqa: F401
from trials import ordinary, trial

from miface.command import run
from miface.recognisers.store import save


def main(model: str, seed: str) -> None:
    """Run the stage."""
    save(trial(int(seed), []).trained(model, {}), ordinary(model, int(seed)))


run(main)
