"""Pathways: steps as a list and a graph, changes in a draft, publication."""
