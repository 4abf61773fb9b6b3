/* siglip from C: embeddings of pictures and texts with SigLIP and SigLIP 2. docs/c.md shows how.
 *
 * Handles     are pointers to structs that only the library knows. What siglip_x_open gives,
 *             siglip_x_close takes back; closing NULL does nothing.
 * Failures    Functions that can fail return a siglip_status. Unless it is SIGLIP_OK, no output was
 *             written, and siglip_last_error_message() says why, on the thread that called. No C++
 *             exception gets out.
 * Structs     that may get more fields later begin with struct_size: set it to the sizeof of the
 *             struct. All else may stay zero, which is the default of every option; where a pointer
 *             to options is NULL, all are defaults. New fields come at the end. So a program built
 *             with an older header goes on working. One built with a newer header than the library
 *             does, too, as long as fields that the library does not know are zero; otherwise it is
 *             told SIGLIP_UNSUPPORTED. There is no function that fills in defaults: a newer library
 *             would write past the end of an older program's struct.
 * Buffers     are the caller's, and come with their size, as the count of values (bytes where the
 *             name says so): too small a buffer is SIGLIP_INVALID_ARGUMENT. [n, D] in a comment is
 *             the shape of one, rows one after the other, D as the info structs say.
 * Texts       are UTF-8. Names of models and files end with a NUL; texts to be embedded do so
 *             unless their lengths are given.
 * Types       have one size everywhere: a truth value is an int32_t of 0 or 1, an enumeration has
 *             four bytes, sizes in memory are size_t. Structs have no holes.
 * Threads     Any function may be called from any thread, also with the same handle at once, and in
 *             a child of fork(); only close must be the last call. There is nothing to set up or
 *             shut down, and no global state but the last error of each thread.
 * Callbacks   get back the `user` that was handed in with them. They may wait and may use the same
 *             handle, but not close it, nor leave by longjmp or an exception.
 */
#ifndef SIGLIP_SIGLIP_H
#define SIGLIP_SIGLIP_H

/* NOLINTBEGIN(modernize-deprecated-headers,modernize-use-using): this is C */
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SIGLIP_API __attribute__((visibility("default")))
#else
#define SIGLIP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Goes up when something is removed or changes its meaning; not for what is added. */
#define SIGLIP_ABI_VERSION 1

/* ---- What went wrong ---- */

/* Numbers never change; new ones may come. */
typedef enum siglip_status {
  SIGLIP_OK = 0,
  SIGLIP_INVALID_ARGUMENT = 1, /* a value handed in is out of its range */
  SIGLIP_NOT_FOUND = 2,        /* a file, tensor or field that must be there is not */
  SIGLIP_IO = 3,               /* the operating system refused to read or write */
  SIGLIP_MALFORMED_FILE = 4,   /* a file breaks the rules of its format */
  SIGLIP_UNSUPPORTED = 5,      /* well-formed, but not done by this library */
  SIGLIP_MISMATCH = 6,         /* two things that must agree do not */
  SIGLIP_LIMIT_EXCEEDED = 7,   /* of pixels, bytes or memory, found before allocating */
  SIGLIP_CANCELLED = 8,        /* by a callback */
  SIGLIP_INTERNAL = 9,         /* a bug of this library */
  SIGLIP_OUT_OF_MEMORY = 100,  /* an allocation failed */
  SIGLIP_STATUS_LAST_ = 0x7fffffff
} siglip_status;

/* "malformed file"; "unknown status" for what is none. */
SIGLIP_API const char* siglip_status_name(siglip_status status);

/* Of the calling thread's last failure: one line that names the file, tensor or field, what was
 * expected and what was found. Never NULL. Valid until the next failure on this thread. */
SIGLIP_API const char* siglip_last_error_message(void);
/* What can be done about it; "" where there is nothing to say. */
SIGLIP_API const char* siglip_last_error_hint(void);

/* ---- The library ---- */

SIGLIP_API const char* siglip_version(void); /* "0.1.0" */
/* SIGLIP_ABI_VERSION of the library that runs. */
SIGLIP_API uint32_t siglip_abi_version(void);
/* Names of the instruction sets that this machine has, slowest first; NULL behind the last. */
SIGLIP_API const char* siglip_instruction_set(size_t index);

/* Called again and again while something takes long. Anything but 0 cancels it. `total` is 0 where
 * it is not known. */
typedef int32_t (*siglip_progress_fn)(void* user, uint64_t done, uint64_t total);

/* ---- Threads and kernels, which several embedders may share ---- */

typedef struct siglip_runtime siglip_runtime;

/* `threads`, the calling one included; 0: as many as this process may use. `instruction_set` is a
 * name of siglip_instruction_set; NULL: the environment variable SIGLIP_ISA, else the best. */
SIGLIP_API siglip_status siglip_runtime_open(int32_t threads, const char* instruction_set,
                                             siglip_runtime** runtime);
/* Embedders keep what they use of it. */
SIGLIP_API void siglip_runtime_close(siglip_runtime* runtime);

/* ---- Models of the Hugging Face hub ---- */

/* Writing text: `text` has room for `capacity` bytes, the NUL included. *length (may be NULL)
 * becomes the length without it. With NULL and 0 for text and capacity, *length is all that is
 * written. */

/* The folder of a model: a path that exists, as it is, or what the cache holds of
 * "organisation/name" or "organisation/name@revision". Downloads nothing. */
SIGLIP_API siglip_status siglip_resolve_model(const char* model, char* text, size_t capacity,
                                              size_t* length);
/* Downloads what the cache lacks of it. Progress (may be NULL) is in bytes, on the calling thread.
 * A download that was cancelled goes on from there the next time. */
SIGLIP_API siglip_status siglip_pull_model(const char* name, siglip_progress_fn progress,
                                           void* user, char* text, size_t capacity, size_t* length);

/* ---- Embedders ---- */

typedef struct siglip_embedder siglip_embedder;

typedef enum siglip_precision {
  SIGLIP_PRECISION_AS_STORED = 0, /* what a packed checkpoint holds, F32 of all others */
  SIGLIP_PRECISION_F32 = 1,
  SIGLIP_PRECISION_BF16 = 2,
  SIGLIP_PRECISION_INT8 = 3,
  SIGLIP_PRECISION_AUTO = 4, /* the fastest that costs little accuracy */
  SIGLIP_PRECISION_LAST_ = 0x7fffffff
} siglip_precision;

/* Whose pixels resizing reproduces to the bit. */
typedef enum siglip_preprocess_mode {
  SIGLIP_PREPROCESS_DEFAULT = 0, /* that of the project that made the model */
  SIGLIP_PREPROCESS_TORCHVISION = 1,
  SIGLIP_PREPROCESS_PILLOW = 2, /* up to 12.1 */
  SIGLIP_PREPROCESS_PILLOW13 = 3,
  SIGLIP_PREPROCESS_LAST_ = 0x7fffffff
} siglip_preprocess_mode;

/* What becomes of transparency. */
typedef enum siglip_alpha {
  SIGLIP_ALPHA_WHITE = 0, /* a picture lies on white */
  SIGLIP_ALPHA_DROP = 1,  /* alpha is ignored */
  SIGLIP_ALPHA_LAST_ = 0x7fffffff
} siglip_alpha;

typedef struct siglip_embedder_options {
  size_t struct_size;
  siglip_runtime* runtime; /* NULL: one of its own, on all CPUs */
  int64_t max_pixels;      /* limits for one picture; 0: the defaults of siglip/image.hpp */
  int64_t max_file_bytes;
  int64_t max_memory_bytes;
  siglip_precision precision;
  siglip_preprocess_mode preprocess;
  siglip_alpha alpha;
  int32_t ignore_exif_orientation;
  int32_t fast_decode;     /* of large JPEGs, not exact */
  int32_t max_num_patches; /* of NaFlex models; 0: as the checkpoint says */
  int32_t
      load_image_tower;    /* at once, to fail at once where it cannot be; else when first needed */
  int32_t load_text_tower; /* the same */
  int64_t max_milliseconds; /* a limit again, of decoding; 0: none */
} siglip_embedder_options;

/* `model` is a checkpoint folder, a file that is one (.npz, .gguf), or a name of the hub that the
 * cache holds. Nothing is downloaded. */
SIGLIP_API siglip_status siglip_embedder_open(const char* model,
                                              const siglip_embedder_options* options,
                                              siglip_embedder** embedder);
SIGLIP_API void siglip_embedder_close(siglip_embedder* embedder);

/* Info structs: the caller sets struct_size, the library the rest; 0 in fields that it does not
 * know.
 */

typedef struct siglip_info {
  size_t struct_size;
  const char* folder; /* this and the next live as long as the embedder */
  const char* instruction_set;
  int32_t threads;
  int32_t has_image_tower;
  int32_t has_text_tower;
  int32_t reserved;
} siglip_info;
/* Loads no tower. */
SIGLIP_API siglip_status siglip_get_info(const siglip_embedder* embedder, siglip_info* info);

typedef struct siglip_image_tower_info {
  size_t struct_size;
  size_t picture_values; /* what siglip_preprocess makes of a picture */
  size_t weight_bytes;   /* as held in memory */
  int32_t dimension;     /* D */
  int32_t tokens;        /* N; of NaFlex the most that a picture can have */
  int32_t image_size;    /* pixels a side; 0: NaFlex */
  int32_t patch_size;    /* pixels a side */
  int32_t has_pooler;    /* without one there are tokens only */
  siglip_precision precision;
} siglip_image_tower_info;
/* Loads the image tower. */
SIGLIP_API siglip_status siglip_get_image_tower_info(const siglip_embedder* embedder,
                                                     siglip_image_tower_info* info);

typedef struct siglip_text_tower_info {
  size_t struct_size;
  size_t weight_bytes; /* as held in memory */
  int32_t dimension;   /* D, of embeddings */
  int32_t hidden_size; /* of tokens */
  int32_t tokens;      /* T: ids of a text */
  siglip_precision precision;
} siglip_text_tower_info;
/* Loads the text tower. */
SIGLIP_API siglip_status siglip_get_text_tower_info(const siglip_embedder* embedder,
                                                    siglip_text_tower_info* info);

/* ---- Pictures and texts in, embeddings out ---- */

/* A path, or data: the contents of a picture file, or pixels (channels > 0) in rows from top to
 * bottom, a byte for each channel. What is wrong with that choice fails the call; what is wrong
 * with the picture itself is a failure of that picture. This struct never gets more fields. */
typedef struct siglip_picture {
  const char* path; /* NULL: there is data */
  const void* data; /* NULL: there is a path */
  const char* name; /* what errors call it; NULL: by its path or place */
  void* tag;        /* comes back with the result of a stream */
  size_t byte_count;
  size_t row_stride; /* of pixels: bytes from row to row; 0: without gaps */
  int32_t width;     /* of pixels; else 0 */
  int32_t height;    /* of pixels; else 0 */
  int32_t channels;  /* of pixels: 1 grey, 3 RGB, 4 RGBA; else 0 */
  int32_t reserved;  /* 0 */
} siglip_picture;

typedef enum siglip_output {
  SIGLIP_OUTPUT_POOLED = 0, /* pooler_output [D] */
  SIGLIP_OUTPUT_TOKENS = 1, /* last_hidden_state [N, D], of pictures only; zeros behind a picture's
                               own tokens */
  SIGLIP_OUTPUT_LAST_ = 0x7fffffff
} siglip_output;

/* In which results of a stream come. */
typedef enum siglip_order {
  SIGLIP_ORDER_INPUT = 0,
  SIGLIP_ORDER_AS_READY = 1,
  SIGLIP_ORDER_LAST_ = 0x7fffffff
} siglip_order;

typedef struct siglip_embed_options {
  size_t struct_size;
  siglip_progress_fn progress; /* of siglip_embed_pictures, in pictures, on the calling thread */
  void* user;                  /* for progress */
  siglip_output output;
  siglip_order order;
  int32_t normalize; /* divide every vector by its L2 norm */
  int32_t in_flight; /* the most pictures in memory at once; 0: four per thread */
} siglip_embed_options;

/* Pictures -> embeddings [n, D], or [n, N, D] of tokens.
 *
 * With `statuses` [n] a picture that fails has its status there and NaN for its values, and the
 * call is a success all the same. With NULL, the first picture that fails fails the call.
 * siglip_embed_stream gives the reasons in words. */
SIGLIP_API siglip_status siglip_embed_pictures(const siglip_embedder* embedder,
                                               const siglip_picture* pictures, size_t n,
                                               const siglip_embed_options* options,
                                               float* embeddings, size_t value_count,
                                               siglip_status* statuses);

/* What became of one picture of a stream. Valid while the callback runs. */
typedef struct siglip_result {
  size_t struct_size;     /* set by the library: fields beyond it are not there */
  void* tag;              /* of the picture */
  const char* error;      /* NULL: there is an embedding */
  const char* hint;       /* NULL without an error; may be "" */
  const float* embedding; /* [D] or [N, D]; NULL: there is an error */
  size_t value_count;     /* of the embedding */
  uint64_t index;         /* place in the source, from 0 */
  siglip_status status;
  int32_t width;    /* in pixels, upright; 0: the picture does not tell */
  int32_t height;   /* the same */
  int32_t rows;     /* of patches; 0 after an error before there are any */
  int32_t columns;  /* the same */
  int32_t reserved; /* 0 */
} siglip_result;

/* 1: *picture, which is zero before, holds the next one; 0: there is no more; else: cancel. Called
 * on a thread of its own, beside the sink. What the picture points to must stay until its result
 * was delivered or the call is over. */
typedef int32_t (*siglip_source_fn)(void* user, siglip_picture* picture);
/* 0: go on; else: cancel. Called on the calling thread. */
typedef int32_t (*siglip_sink_fn)(void* user, const siglip_result* result);

/* Any number of pictures in bounded memory: some are prepared while others are computed. A picture
 * that fails is a result, and stops nothing else. After the source or the sink cancelled, pictures
 * that were begun are still delivered; others are not. */
SIGLIP_API siglip_status siglip_embed_stream(const siglip_embedder* embedder,
                                             const siglip_embed_options* options,
                                             siglip_source_fn source, siglip_sink_fn sink,
                                             void* user);

/* Texts -> embeddings [n, D]. `lengths` [n] in bytes; NULL: every text ends at its NUL. */
SIGLIP_API siglip_status siglip_embed_texts(const siglip_embedder* embedder,
                                            const char* const* texts, const size_t* lengths,
                                            size_t n, const siglip_embed_options* options,
                                            float* embeddings, size_t value_count);

/* Embeddings of pictures [m, D] and texts [n, D], normalised or not -> logits and their sigmoids,
 * the probabilities that each pair belongs together, both [m, n]. One of them may be NULL;
 * value_count is that of either. */
SIGLIP_API siglip_status siglip_compare(const siglip_embedder* embedder, const float* pictures,
                                        size_t m, const float* texts, size_t n, size_t dimension,
                                        float* logits, float* probabilities, size_t value_count);

typedef enum siglip_content {
  SIGLIP_CONTENT_PICTURES = 0,
  SIGLIP_CONTENT_TEXTS = 1,
  SIGLIP_CONTENT_PICTURES_AND_TEXTS = 2,
  SIGLIP_CONTENT_LAST_ = 0x7fffffff
} siglip_content;

/* What embeddings made with these options depend on, as JSON on one line (see writing text, above):
 * those with equal fingerprints have the same bits. Loads the towers concerned, and reads their
 * files unless that was done before. */
SIGLIP_API siglip_status siglip_fingerprint(const siglip_embedder* embedder, siglip_content content,
                                            const siglip_embed_options* options, char* text,
                                            size_t capacity, size_t* length);

/* ---- Tensors in, tensors out: each step alone ---- */

/* A picture -> what the image tower takes: [3, H, W], or of NaFlex [N, patch values] with zeros
 * behind the picture's own patches; picture_values in all. spatial_shape (may be NULL) becomes rows
 * and columns of patches. */
SIGLIP_API siglip_status siglip_preprocess(const siglip_embedder* embedder,
                                           const siglip_picture* picture, float* pixel_values,
                                           size_t value_count, int64_t spatial_shape[2]);

/* Texts -> input_ids [n, T], as for siglip_embed_texts. */
SIGLIP_API siglip_status siglip_tokenize(const siglip_embedder* embedder, const char* const* texts,
                                         const size_t* lengths, size_t n, int64_t* input_ids,
                                         size_t id_count);

/* Where a tower writes; NULL with 0 what is not wanted. */
typedef struct siglip_outputs {
  size_t struct_size;
  float* last_hidden_state; /* [n, tokens, D]; of texts [n, ids, hidden_size] */
  size_t last_hidden_state_count;
  float* pooler_output; /* [n, D] */
  size_t pooler_output_count;
} siglip_outputs;

/* Pictures as siglip_preprocess makes them, one after the other. value_count is exactly what they
 * hold. spatial_shapes [n, 2] of NaFlex, whose pictures may all have fewer patches than N; else
 * NULL.
 */
SIGLIP_API siglip_status siglip_run_image_tower(const siglip_embedder* embedder,
                                                const float* pixel_values, size_t value_count,
                                                size_t n, const int64_t* spatial_shapes,
                                                const siglip_outputs* outputs);

/* input_ids [n, up to T], all of one length: id_count is exactly n times that. */
SIGLIP_API siglip_status siglip_run_text_tower(const siglip_embedder* embedder,
                                               const int64_t* input_ids, size_t id_count, size_t n,
                                               const siglip_outputs* outputs);

#ifdef __cplusplus
} /* extern "C" */
#endif
/* NOLINTEND(modernize-deprecated-headers,modernize-use-using) */
#endif /* SIGLIP_SIGLIP_H */
