"""What the directory's commands say (`common.words.wording`)."""

from common.words.wording import Wording

said = Wording("directory").said
