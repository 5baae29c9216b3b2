"""Grounded interpretations: what is true of an ECG, said with the values, leads and beats that show it."""
