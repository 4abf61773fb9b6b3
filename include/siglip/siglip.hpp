// Pictures and texts in, embeddings out: all that most programs include.
//
//   auto model = siglip::Embedder::Open("google/siglip2-base-patch16-224");
//   auto pictures = model.Embed({siglip::Picture::File("cat.jpg")});       // [1, D]
//   auto texts = model.EmbedTexts({"a cat", "a dog"});                      // [2, D]
//   auto probabilities = model.Probabilities(pictures, texts);              // [1, 2]
//
// What works on tensors instead, under the names of transformers, is in siglip/transformers.hpp.
// Everything is in docs/cpp.md.
#pragma once

#include "siglip/checkpoint.hpp"
#include "siglip/embed_service.hpp"
#include "siglip/embedder.hpp"
#include "siglip/embedding_search.hpp"
#include "siglip/error.hpp"
#include "siglip/fingerprint.hpp"
#include "siglip/folder_walker.hpp"
#include "siglip/folder_watch.hpp"
#include "siglip/hub.hpp"
#include "siglip/image.hpp"
#include "siglip/index.hpp"
#include "siglip/picture.hpp"
#include "siglip/runtime.hpp"
#include "siglip/tensor.hpp"
#include "siglip/zero_shot_classifier.hpp"
