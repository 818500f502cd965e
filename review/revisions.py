"""The two sides of a review in git: the working tree, and the commit it is compared with."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

JUDGES = (
    *("access", "cli", "deployer", "local", "policy", "review", "src"),
    *(".github", "requirements", "scripts", "Makefile", "pyproject.toml"),
)
"""What computes the verdict. A change that touches it is partly its own judge."""


SERVERS = ":(glob)**/servers/*/**"
"""An MCP server's own code, in whichever program's folder: a plan imports it to read its tools."""


class RevisionError(Exception):
    """The base cannot be read; the text says what to write instead."""


@dataclass(frozen=True)
class Revisions:
    """What is compared.

    Attributes:
        base: The commit that stands for "before", whole.
        head: The commit under review, short, and whether the working tree goes beyond it.
        judges: Files changed between them that compute the verdict.
        servers: Files of MCP servers changed between them.
    """

    base: str
    head: str
    judges: tuple[str, ...]
    servers: tuple[str, ...] = ()


def revisions(root: Path, base: str) -> Revisions:
    """Find the commit to compare the working tree with: where it left the line of `base`.

    Raises:
        RevisionError: There is no such revision.
    """
    known = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if known is None:
        raise RevisionError(f"{base} is no revision of this repository; give --base a branch, a tag or a commit")
    # A shallow clone may not hold the fork point: then the base itself is the best there is.
    fork = _git(root, "merge-base", known, "HEAD") or known
    changed = [(_git(root, "diff", "--name-only", fork, "--", *of) or "").splitlines() for of in (JUDGES, [SERVERS])]
    return Revisions(fork, _head(root, fork), *map(tuple, changed))


def _head(root: Path, fork: str) -> str:
    # What continuous integration checks out is a trial merge: the change itself is its second parent.
    parents = (_git(root, "rev-list", "--parents", "--max-count=1", "HEAD") or "").split()[1:]
    merged = parents[1] if len(parents) == 2 and parents[0] == fork else "HEAD"
    name = _git(root, "rev-parse", "--short=10", merged) or merged[:10]
    return f"{name} with uncommitted changes" if _git(root, "status", "--porcelain") else name


@contextmanager
def tree_of(root: Path, commit: str, scratch: Path) -> Iterator[Path]:
    """The files of a commit in a folder that goes away again; the repository itself is not written to.

    Args:
        root: The repository.
        commit: A commit of it.
        scratch: Where to make the folder.
    """
    with TemporaryDirectory(dir=scratch, prefix="base-") as folder:
        archive = Path(folder, "tree.tar")
        subprocess.run(["git", "archive", f"--output={archive}", commit], cwd=root, check=True)
        tree = Path(folder, "tree")
        with tarfile.open(archive) as files:
            files.extractall(tree, filter="data")
        yield tree


def file_at(root: Path, revision: str, path: str) -> str | None:
    """A file of a revision; None where there is none."""
    return _git(root, "show", "--end-of-options", f"{revision}:{path}")


def _git(root: Path, *arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
