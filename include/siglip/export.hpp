// What libsiglip.so lets other programs see.
#pragma once

/// Marks what is for users; everything else is hidden.
#define SIGLIP_EXPORT __attribute__((visibility("default")))
/// Hidden again, within what is marked.
#define SIGLIP_HIDDEN __attribute__((visibility("hidden")))
