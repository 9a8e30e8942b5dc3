"""Who answers for a case: corrected, given to a colleague, handed over, closed, erased."""
