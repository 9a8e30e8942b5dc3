"""A pathway as it is written: its steps and conditions, the profile they ask about, what areas
inherit and what makes a pathway wrong. Pure."""
