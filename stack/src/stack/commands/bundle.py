"""`bundle`: one signed file with everything that an office without internet needs, made and checked."""

import os
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stack.commands.options import home
from stack.errors import StackError
from stack.operate.supply import bundle, signature
from stack.wording import said

app = typer.Typer(
    name="bundle",
    help="Make and verify one signed file for an office without internet.",
    no_args_is_help=True,
)
_terminal = Console(highlight=False, soft_wrap=True)
_ASKED = "RUTA_BUNDLE_PASSWORD"


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Where the secret key goes: keep it offline")],
) -> None:
    """Make a minisign key that signs bundles, and print the public key to give to offices."""
    _terminal.print(signature.new_key(file))


@app.command()
def make(
    file: Annotated[Path, typer.Argument(help="The bundle, such as ruta-0.1.0.tar")],
    key_file: Annotated[Path, typer.Option("--key", help=f"Secret key; its password in {_ASKED}")],
    *,
    architecture: Annotated[
        list[str] | None, typer.Option(help="x86_64 or aarch64; both if none is named")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Version of Python at the office, such as 3.13 (as here)")
    ] = None,
    images: Annotated[
        bool,
        typer.Option(
            "--images", help="The images, too: ours from podman, others by digest (skopeo)"
        ),
    ] = False,
    wheels: Annotated[
        Path | None, typer.Option(help="A folder with wheels that need not be fetched again")
    ] = None,
) -> None:
    """Pack source, wheels, manifests, bills of materials and, on request, images of this checkout."""
    wanted = bundle.Wanted(
        tuple(architecture or bundle.ARCHITECTURES),
        python or bundle.this_python(),
        images,
        wheels,
    )
    if unknown := sorted({*wanted.architectures} - {*bundle.ARCHITECTURES}):
        raise StackError(
            "no architecture {unknown}: {known}",
            unknown=unknown[0],
            known=", ".join(bundle.ARCHITECTURES),
        )
    secret = signature.signing_key(key_file, os.environ.get(_ASKED))
    root, release = home(), version("ruta-stack")
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as work:
        folder = Path(work) / f"ruta-{release}"
        folder.mkdir()
        bundle.gather(root, folder, wanted)
        told = (
            f"ruta {release} commit {bundle.commit(root)} made {datetime.now(UTC):%Y-%m-%d}"
            f" for {' '.join(wanted.architectures)} python {wanted.python}"
            f" {'with' if images else 'without'} images"
        )
        signature.seal(folder, file, secret, told)
    _terminal.print(f"{file}: {told}")


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="The file, or the folder it was unpacked into")],
    public_key: Annotated[str, typer.Option(help="Of whoever made it: a file .pub or its line")],
) -> None:
    """Verify the signature and every file, without unpacking anything. Exit 1 with the name of the first wrong file."""
    if not bundle.exists():
        raise StackError("no bundle {bundle}", bundle=bundle)
    told, files = signature.verify(bundle, signature.public_key(public_key))
    _terminal.print(
        said(
            "{bundle}: {files} files, all as signed: {told}", bundle=bundle, files=files, told=told
        )
    )
