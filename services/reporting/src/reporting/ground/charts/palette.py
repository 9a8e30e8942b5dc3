"""Colours that are distinguishable with any colour vision, on white and in greyscale print."""

INK = "#1A1A1A"
GRID = "#D8D8D8"
BLUE = "#0B5A8F"

CATEGORIES = ("#0B5A8F", "#D55E00", "#007A5E", "#A3447D", "#6B5B00", "#3B3B3B")
"""The colours of Okabe and Ito, darkened to a contrast of 3:1 on white (WCAG 2.2, 1.4.11)."""

DASHES = ([1, 0], [8, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4])
"""Lines differ by dash as well as by colour."""

SEQUENTIAL = ("#F1F5F9", "#0B3C5D")
"""One hue from light to dark, whose order survives colour blindness and photocopies."""

LOUD = ("#FDEFE6", "#8F2D00")
"""For gaps: one hue that stands out from the blue of everything else."""

# Browsers without this font use a serif font.
FONT = "Source Sans Pro, sans-serif"
