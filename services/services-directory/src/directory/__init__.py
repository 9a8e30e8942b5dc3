"""The directory: who offers what, where and for whom, and the pathways over it."""
