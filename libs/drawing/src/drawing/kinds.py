"""What can be drawn. A name beyond these is refused: whoever reaches the socket calls no other function."""

KINDS = {
    "charts": "drawing.charts:charts",
    "pictures": "drawing.pages:pictures",
    "page": "drawing.pages:page",
}
