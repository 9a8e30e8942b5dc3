"""Charts and typeset pages, drawn by engines in other processes.

Vega's JavaScript engine and Typst weigh 150 MB and keep memory. So each drawing has its own short-lived process, which
gets no settings and therefore no secrets (`processes`). The process starts here, or in a container next to the caller,
reached through a shared socket (`client`, `server`).
"""
