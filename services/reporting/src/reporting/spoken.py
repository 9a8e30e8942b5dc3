"""What reporting's commands say (`common.wording`)."""

from common.wording import Wording

_own = Wording("reporting")
said, told = _own.said, _own.told
