"""How the bulletin endpoints say no."""

from common.errors import PROBLEMS

WRONG_STATE = PROBLEMS["bulletin_state"]
UNFOUNDED = PROBLEMS["number_in_words"]
UNTRACEABLE = PROBLEMS["untraceable_number"]
