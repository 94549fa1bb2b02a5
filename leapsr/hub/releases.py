"""Upscalers that their authors publish as one file each: where it lies, its digest and its licence.

One table, RELEASES; its keys are names of `leapsr models download`. The files are used as they are, see
`networks.zoo`.
"""

import errno
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from safetensors import SafetensorError, safe_open

from ..errors import OutputError, WeightsError, first_line
from ..files import atomic_write, sha256

UNSTATED = "not stated in the file: see where you found it"
_REAL_ESRGAN = "https://github.com/xinntao/Real-ESRGAN"
_SWINIR = "https://github.com/JingyunLiang/SwinIR"
_NOMOS = "https://github.com/Phhofm/models"


class Release(NamedTuple):
    """what: a description. page: where the licence is stated. place: of the file, below the page's releases.
    sha256: of the file. size: in bytes."""

    what: str
    licence: str
    page: str
    place: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """Of the file."""
        return self.place.rpartition("/")[2]

    @property
    def url(self) -> str:
        return f"{self.page}/releases/download/{self.place}"


RELEASES = {
    "realesrgan-x4plus": Release(
        "Real-ESRGAN x4, photos: 16.7 million parameters",
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "v0.1.0/RealESRGAN_x4plus.pth",
        "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
        67_040_989,
    ),
    "realesrgan-x2plus": Release(
        "Real-ESRGAN x2, photos",
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "v0.2.1/RealESRGAN_x2plus.pth",
        "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
        67_061_725,
    ),
    "realesrgan-x4plus-anime": Release(
        "Real-ESRGAN x4, drawings",
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth",
        "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
        17_938_799,
    ),
    "realesr-general-x4v3": Release(
        "Real-ESRGAN x4, small and fast: 1.2 million parameters",
        "BSD-3-Clause",
        _REAL_ESRGAN,
        "v0.2.5.0/realesr-general-x4v3.pth",
        "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
        4_885_111,
    ),
    "swinir-large-x4": Release(
        "SwinIR-L x4, photos: attention",
        "Apache-2.0",
        _SWINIR,
        "v0.0/003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN.pth",
        "99adfa91350a84c99e946c1eb3d8fce34bc28f57d807b09dc8fe40a316328c0a",
        142_473_939,
    ),
    "nomos-webphoto-x4": Release(
        "4xNomosWebPhoto, RealPLKSR: photos from the web",
        "CC-BY-4.0",
        _NOMOS,
        "4xNomosWebPhoto_RealPLKSR/4xNomosWebPhoto_RealPLKSR.pth",
        "a9db66c9b674c6a5025b6ef3bee71a57c33b8605d8a2de0980470f89002efbbe",
        29_683_482,
    ),
    "nomos2-dat-x4": Release(
        "4xNomos2_hq, DAT-2: clean photos",
        "CC-BY-4.0",
        _NOMOS,
        "4xNomos2_hq_dat2/4xNomos2_hq_dat2.pth",
        "1f2be2b4786b5031776aed90e1818564f5576ab1e44da9355c7f3788ea25bdea",
        140_196_334,
    ),
}


def fetch(release: Release, folder: Path) -> Path:
    """Download its file to `folder`, unless it is there; returns its path.

    Raises WeightsError with the address, and where the file would have to lie; OutputError.
    """
    path = folder / release.name
    if path.is_file():
        if sha256(path) == release.sha256:
            return path
        raise OutputError(
            f"{path} is there and is not the file that was published: move it away, or choose another folder."
        )
    with atomic_write(path) as part:
        try:
            with urlopen(release.url, timeout=60) as answer, part.open("wb") as file:
                left = release.size + 1  # what is longer is another file
                while left and (chunk := answer.read(min(left, 1 << 20))):
                    file.write(chunk)
                    left -= len(chunk)
            found = sha256(part)
        except (OSError, HTTPException) as error:
            if isinstance(error, HTTPError):  # the answer that says so is open
                error.close()
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise WeightsError(
                f"{release.name} could not be downloaded ({first_line(error)}): where there is a network, "
                f"get {release.url}, and put it at {path}."
            ) from error
        if found != release.sha256:
            raise WeightsError(
                f"What lies at {release.url} is not the file that was published (its SHA-256 is {found}), "
                "and was not kept; try again later."
            )
    return path


def licence_of(path: Path) -> str:
    """Of a file of weights: of RELEASES by its digest, or what its own metadata say; else UNSTATED."""
    for release in RELEASES.values():
        if path.stat().st_size == release.size and sha256(path) == release.sha256:
            return release.licence
    if path.suffix.lower() == ".safetensors":
        try:
            with safe_open(path, "pt") as file:
                said = file.metadata() or {}
        except (OSError, SafetensorError):
            said = {}
        return said.get("modelspec.license") or said.get("license") or UNSTATED
    return UNSTATED
