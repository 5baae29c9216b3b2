"""From beat to beat: beat classes, RR and PP intervals, atrial activity, pacing spikes and T-wave alternans."""
