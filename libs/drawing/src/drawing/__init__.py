"""Charts and typeset pages, drawn by engines in other processes.

Vega's JavaScript engine and Typst take 150 MB and do not free memory. Each drawing therefore has its own short-lived
process, which gets no settings and therefore no secrets (`processes`). The process starts here, or in a container next
to the caller that is reached through a shared socket (`client`, `server`).
"""
