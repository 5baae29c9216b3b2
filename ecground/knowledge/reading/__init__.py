"""From the words of a report to what its sentences mention and state."""
