"""Reading 5W files of other layouts: proposed, completed and confirmed mappings."""
