"""How the demo model is made: scenes, their pictures and captions, the model, training, evaluation."""
