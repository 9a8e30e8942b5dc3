"""Screening and assistance: questions asked by certified screeners, their judgement, and the help given.

Contents: screenings (instruments, answers, judgements), training certificates, assistance plans and the comparison of
duplicate cases. It has no score and suggests no judgement. This package does not know the line or messages. Begin with
`screenings/summary.py` and `screenings/expressions.py`.
"""
