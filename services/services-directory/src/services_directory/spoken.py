"""What the directory's commands say (`common.wording`)."""

from common.wording import Wording

said = Wording("services_directory").said
