"""The foundation of reporting: periods, programmes, protection, charts and tables.

Contents: periods and which of them are closed, programmes as views of a population, protection (rounding and intervals,
pure), charts, tabular files, texts in two languages. It does not know events, releases or bulletins. Begin with
`protection/rounding.py` and `programmes/catalogue.py`.
"""
