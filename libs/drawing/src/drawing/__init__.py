"""Charts and typeset pages, drawn by engines that the calling process does not load.

Vega's JavaScript engine and Typst weigh 150 MB and keep memory. So each drawing is made in a process that gets no
setting, hence no secret, and ends (`processes`). The process starts here, or in a container beside the caller, reached
by a shared socket (`client`, `server`).
"""
