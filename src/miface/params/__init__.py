"""params.yaml as typed, validated, documented objects."""
