"""What a job made, into what answers queries: Lance, Qdrant, an array of numpy, siglip's own index."""
