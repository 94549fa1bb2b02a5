"""Whatever makes pictures larger, scored side by side: models, folders of outputs, other programs."""
