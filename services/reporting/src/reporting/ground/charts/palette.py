"""Colours that people with any colour vision can tell apart, on white, also printed in grey."""

INK = "#1A1A1A"
GRID = "#D8D8D8"
BLUE = "#0B5A8F"

CATEGORIES = ("#0B5A8F", "#D55E00", "#007A5E", "#A3447D", "#6B5B00", "#3B3B3B")
"""From Okabe and Ito, darkened until each has a contrast of 3:1 on white (WCAG 2.2, 1.4.11)."""

DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4])
"""Lines differ by dash as well as by colour."""

SEQUENTIAL = ("#F1F5F9", "#0B3C5D")
"""One hue from light to dark: its order survives every kind of colour blindness and a copier."""

LOUD = ("#FDEFE6", "#8F2D00")
"""For gaps: one hue, too, and the one that is seen first beside the blue of everything else."""

# A browser without this font uses one with serifs.
FONT = "Source Sans Pro, sans-serif"
