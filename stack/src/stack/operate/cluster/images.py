"""Images of an overlay: their names, publishers and digests.

The owner of a tag can move it, while a digest identifies the content. The manifests contain the digests of other
publishers' images. The digests of our images are known once you have built and pushed them: `./ruta k8s pin` reads them
from your registry.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from stack.errors import StackError

Document = Mapping[str, Any]
OUR_PREFIX = "ruta/"


def images(documents: Iterable[Document]) -> list[str]:
    """Return each image once, in alphabetical order."""
    return sorted({image for document in documents for image in _named(document)})


def _named(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in {"image", "imageName"} and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
    elif isinstance(node, list):
        for item in node:
            yield from _named(item)


def is_ours(image: str) -> bool:
    return OUR_PREFIX in image


def without_digest(documents: Iterable[Document], *, strictly: bool = False) -> list[str]:
    """Return the images that have only a tag. With `strictly`, also return our own images."""
    return [
        image
        for image in images(documents)
        if "@sha256:" not in image and (strictly or not is_ours(image))
    ]


def pinned(overlay: str, documents: Iterable[Document], *, insecure: bool = False) -> str:
    """Return a kustomization over `overlay` that sets every image to the digest in its registry."""
    digests = {image: _asked(image, insecure) for image in without_digest(documents, strictly=True)}
    entries = [
        {"name": image.rpartition(":")[0], "digest": digest} for image, digest in digests.items()
    ]
    return yaml.safe_dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [f"../{overlay}"],
            "images": entries,
        },
        sort_keys=False,
    )


def _asked(image: str, insecure: bool) -> str:
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        raise StackError(
            "skopeo is not installed here (Debian: skopeo); it is needed to query the registries"
        )
    plain = ["--tls-verify=false"] if insecure else []
    done = subprocess.run(
        [skopeo, "inspect", *plain, "--no-tags", f"docker://{image}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError.passed_on(f"{image}: {done.stderr.strip()[-300:]}")
    digest: str = json.loads(done.stdout)["Digest"]
    return digest
