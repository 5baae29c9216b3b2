"""Instruction data in the manner of ECGInstruct (PULSE): four groups of tasks in four types of question."""
