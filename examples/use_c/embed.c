/* Says which of the texts fits each picture: embed MODEL TEXT,TEXT,... PICTURE... MODEL is a
 * checkpoint folder or a name of the Hugging Face hub. */
#include <siglip/siglip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMostTexts = 64 };

/* Where every failure of the library ends. */
static void require(siglip_status status, const char* what) {
  if (status == SIGLIP_OK) return;
  fprintf(stderr, "embed: %s: %s\n%s\n", what, siglip_last_error_message(),
          siglip_last_error_hint());
  exit(1);
}

static void* allocate(size_t count, size_t size) {
  void* memory = calloc(count, size);
  if (memory == NULL) {
    fprintf(stderr, "embed: not enough memory\n");
    exit(1);
  }
  return memory;
}

/* Cuts the list at its commas. */
static size_t split(char* list, const char** parts) {
  size_t count = 0;
  char* part;
  for (part = strtok(list, ","); part != NULL && count < kMostTexts; part = strtok(NULL, ",")) {
    parts[count++] = part;
  }
  return count;
}

static void print_best(const char* picture, const char* const* texts, const float* probabilities,
                       size_t count) {
  size_t best = 0;
  size_t i;
  for (i = 1; i < count; ++i) {
    if (probabilities[i] > probabilities[best]) best = i;
  }
  printf("%s: %s (%.3f)\n", picture, texts[best], (double)probabilities[best]);
}

int main(int argc, char** argv) {
  siglip_embedder* embedder = NULL;
  siglip_image_tower_info info = {.struct_size = sizeof(info)};
  const char* texts[kMostTexts];
  size_t text_count, picture_count, i;
  siglip_picture* pictures;
  siglip_status* statuses;
  float *picture_rows, *text_rows, *probabilities;
  int all_read = 1;

  if (argc < 4) {
    fprintf(stderr, "usage: %s MODEL TEXT,TEXT,... PICTURE...\n", argv[0]);
    return 2;
  }
  text_count = split(argv[2], texts);
  picture_count = (size_t)argc - 3;

  require(siglip_embedder_open(argv[1], NULL, &embedder), "cannot open the model");
  require(siglip_get_image_tower_info(embedder, &info), "cannot embed pictures");

  pictures = allocate(picture_count, sizeof(*pictures));
  statuses = allocate(picture_count, sizeof(*statuses));
  picture_rows = allocate(picture_count * (size_t)info.dimension, sizeof(float));
  text_rows = allocate(kMostTexts * (size_t)info.dimension, sizeof(float));
  probabilities = allocate(picture_count * kMostTexts, sizeof(float));
  for (i = 0; i < picture_count; ++i) pictures[i].path = argv[3 + i];

  require(siglip_embed_texts(embedder, texts, NULL, text_count, NULL, text_rows,
                             kMostTexts * (size_t)info.dimension),
          "cannot embed the texts");
  require(siglip_embed_pictures(embedder, pictures, picture_count, NULL, picture_rows,
                                picture_count * (size_t)info.dimension, statuses),
          "cannot embed the pictures");
  require(siglip_compare(embedder, picture_rows, picture_count, text_rows, text_count,
                         (size_t)info.dimension, NULL, probabilities, picture_count * kMostTexts),
          "cannot compare");

  for (i = 0; i < picture_count; ++i) {
    if (statuses[i] == SIGLIP_OK) {
      print_best(pictures[i].path, texts, probabilities + i * text_count, text_count);
    } else { /* of this picture; the others are done */
      fprintf(stderr, "%s: %s\n", pictures[i].path, siglip_status_name(statuses[i]));
      all_read = 0;
    }
  }
  free(probabilities);
  free(text_rows);
  free(picture_rows);
  free(statuses);
  free(pictures);
  siglip_embedder_close(embedder);
  return all_read ? 0 : 1;
}
