"""The figures of the model card."""
