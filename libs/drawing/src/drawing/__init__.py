"""Charts and typeset pages, by engines that whoever asks does not hold.

Vega's engine of JavaScript and Typst weigh 150 MB and keep what they once made. So each drawing is made in a process
that gets no setting, so no secret, and ends with it (`processes`). That process starts here, or in a container of its
own beside the asking one, reached by a socket that both share (`asking`, `serving`).
"""
