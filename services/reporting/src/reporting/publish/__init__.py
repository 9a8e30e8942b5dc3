"""Publishing: bulletins, judgements, exports and subscribers.

Contents: bulletins (drafted by the machine, signed and published by people), judgements (statements that cite figures),
exports, bulletin subscribers. Each number has a source: a release, an exact indicator or an outside series. This
package counts nothing itself. Begin with `bulletins/composing` and `exports/service.py`.
"""
