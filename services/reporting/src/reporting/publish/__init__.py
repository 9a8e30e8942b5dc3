"""Publishing: bulletins, judgements, exports and subscribers.

Contents: bulletins (drafted by the machine, signed and published by people), judgements (statements that cite figures),
exports, subscribers of bulletins. Each number has a source: a release, an exact indicator or an outside series. This
wing counts nothing itself. Begin with `bulletins/composing` and `exports/service.py`.
"""
