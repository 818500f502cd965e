"""Code archives, written out as the folder that Lambda or AgentCore Runtime would unpack."""

import csv
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from toolgate.access.deployment.stack_export import Archive, Asset, DeploymentError


def write_out(archive: Archive, folder: Path, root: Path) -> None:
    """Write the archive's files into a folder.

    Args:
        archive: The code as the deployment names it.
        folder: An existing folder to write to.
        root: Where relative paths of the deployment start.

    Raises:
        DeploymentError: A file is missing, lies elsewhere (a URL), or lies outside the folder.
    """
    if archive.assets is not None:
        for name, content in archive.assets.items():
            place = inside(folder, name)
            if isinstance(content, Archive):
                place.mkdir(parents=True, exist_ok=True)
                write_out(content, place, root)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                _write_asset(content, place, root)
        return
    source = _source(archive.path, archive.uri, root)
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    elif zipfile.is_zipfile(source):
        _unzip(source, folder)
    else:
        raise DeploymentError(f"{archive.path}: neither a folder nor a zip file")


def write_sources(archive: Archive, folder: Path, root: Path) -> None:
    """Write an agent's own files into a folder; the packages in its zip are left out.

    They are wheels for AgentCore Runtime's machines (arm64), of no use here; the process finds this environment's. What
    is theirs stands in the RECORD of each (Python packaging user guide, "Recording installed projects").

    Args:
        archive: The code as the deployment names it.
        folder: An existing folder to write to.
        root: Where relative paths of the deployment start.

    Raises:
        DeploymentError: See `write_out`; or a package does not say which files are its own.
    """
    write_out(archive, folder, root)
    if untold := sorted(info.name for info in folder.glob("*.dist-info") if not (info / "RECORD").is_file()):
        raise DeploymentError(
            f"code {archive.path}: its packages, for AgentCore Runtime's machines, cannot be told from its own files: "
            f"no RECORD is in {', '.join(untold[:3])}{', ...' if len(untold) > 3 else ''}. Build it anew, as "
            "`toolgate bundle` does, or serve a plan (`toolgate plan --out FILE`)."
        )
    for name in {name for record in folder.glob("*.dist-info/RECORD") for name in _top_level(record)}:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _top_level(record: Path) -> Iterator[str]:
    """The top-level names of a package's files; its scripts may lie outside."""
    with record.open(encoding="utf-8", newline="") as rows:
        for path, *_ in filter(None, csv.reader(rows)):
            first = next(iter(Path(path).parts), "..")
            if first not in {"/", "//", "..", "bin"}:
                yield first


def _write_asset(asset: Asset, place: Path, root: Path) -> None:
    if asset.text is not None:
        place.write_text(asset.text, encoding="utf-8")
    else:
        shutil.copyfile(_source(asset.path, asset.uri, root), place)


def _source(path: str | None, uri: str | None, root: Path) -> Path:
    if path is None:
        raise DeploymentError(f"code from {uri or 'nowhere'} cannot be run here: only files of this machine can")
    source = root / path
    if not source.exists():
        raise DeploymentError(f"code {path} is not there (relative paths start at {root}); build it, or plan anew")
    return source


def _unzip(source: Path, folder: Path) -> None:
    with zipfile.ZipFile(source) as packed:
        for name in packed.namelist():
            inside(folder, name)
        packed.extractall(folder)


def inside(folder: Path, name: str) -> Path:
    """The place of a name in a folder; it may have folders of its own.

    Raises:
        DeploymentError: The name leads out of the folder.
    """
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise DeploymentError(f"'{name}' in the code lies outside its folder")
    return place
