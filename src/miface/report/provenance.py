"""What made a result: commit, machine, versions."""

import importlib.metadata
import os
import platform
import subprocess

PACKAGES = ("miface", "dvc", "torch", "numpy", "scikit-image", "opencv-python-headless")


def versions() -> dict[str, str]:
    """Give the versions of Python and of the packages that shape results."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in PACKAGES
    }


def commit() -> str | None:
    """Give the commit of the current folder, with ``+`` after it where files differ from it."""
    try:
        head, changed = (
            subprocess.run(["git", *command], capture_output=True, text=True, check=True).stdout
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no", "src", "stages", "dvc.yaml"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return None  # no Git, or no repository
    return head.strip() + ("+" if changed.strip() else "")


def machine() -> dict[str, str | int | None]:
    """Describe the machine, as far as it shapes times and the last bits of numbers."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        **versions(),
    }
