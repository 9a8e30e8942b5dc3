"""`bundle`: creates and checks one signed file with everything that an office without internet needs."""

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
from stack.texts import said

app = typer.Typer(
    name="bundle",
    help="Make and verify one signed file for an office without internet.",
    no_args_is_help=True,
)
_terminal = Console(highlight=False, soft_wrap=True)
_ASKED = "RUTA_BUNDLE_PASSWORD"


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The file for the secret key. Keep it offline")],
) -> None:
    """Make a minisign key that signs bundles, and print the public key to give to offices."""
    _terminal.print(signature.new_key(file))


@app.command()
def make(
    file: Annotated[Path, typer.Argument(help="The bundle, such as ruta-0.1.0.tar")],
    key_file: Annotated[
        Path, typer.Option("--key", help=f"The secret key; its password is read from {_ASKED}")
    ],
    *,
    architecture: Annotated[
        list[str] | None, typer.Option(help="x86_64 or aarch64; both if you choose none")
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(help="The Python version at the office, such as 3.13 (the one used here)"),
    ] = None,
    images: Annotated[
        bool,
        typer.Option(
            "--images", help="Also pack the images: ours from podman, others by digest (skopeo)"
        ),
    ] = False,
    wheels: Annotated[
        Path | None, typer.Option(help="A folder with wheels that need not be downloaded again")
    ] = None,
) -> None:
    """Pack the source, wheels, manifests and bills of materials of this checkout and, on request,
    its images."""
    wanted = bundle.Wanted(
        tuple(architecture or bundle.ARCHITECTURES),
        python or bundle.this_python(),
        images,
        wheels,
    )
    if unknown := sorted({*wanted.architectures} - {*bundle.ARCHITECTURES}):
        raise StackError(
            "there is no architecture {unknown}; the architectures are: {known}",
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
    bundle: Annotated[
        Path, typer.Argument(help="The bundle, or the folder into which it was unpacked")
    ],
    public_key: Annotated[
        str, typer.Option(help="The public key of the maker: a .pub file or its line")
    ],
) -> None:
    """Verify the signature and every file without unpacking anything. If a file is wrong, exit 1
    and name the first one."""
    if not bundle.exists():
        raise StackError("the bundle {bundle} does not exist", bundle=bundle)
    told, files = signature.verify(bundle, signature.public_key(public_key))
    _terminal.print(
        said(
            "{bundle}: all {files} files match the signature: {told}",
            bundle=bundle,
            files=files,
            told=told,
        )
    )
