"""The waves of every beat and lead: samples around the beats, amplitudes, durations, intervals, forms and axes."""
