#include "server/page/page.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace siglip::server {
namespace {

const std::filesystem::path kFolder = SIGLIP_PAGE_FOLDER;

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool IsServed(const std::filesystem::path& path) {
  static const std::set<std::string> kEndings = {".html", ".css", ".js", ".svg"};
  return kEndings.contains(path.extension());
}

/// Throws where there is none, so that a test fails and the others go on.
const PageFile& Find(std::string_view path) {
  const PageFile* const found = FindPageFile(path);
  if (found == nullptr) throw std::runtime_error("no file at " + std::string(path));
  return *found;
}

std::string AddressOf(const std::filesystem::path& path) {
  return path.filename() == "index.html" ? "/" : "/page/" + path.filename().string();
}

TEST(PageTest, HasEveryFileOfTheFolderAsItIs) {
  size_t files = 0;
  std::set<std::string_view> etags;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (!IsServed(entry.path())) continue;
    const PageFile* const found = FindPageFile(AddressOf(entry.path()));
    ASSERT_NE(found, nullptr) << entry.path();
    EXPECT_EQ(found->bytes, Read(entry.path())) << entry.path();
    etags.insert(found->etag);
    ++files;
  }
  EXPECT_GT(files, 10u);
  EXPECT_EQ(etags.size(), files);
}

TEST(PageTest, ContentTypesAndEtagsAreThoseOfHttp) {
  EXPECT_EQ(Find("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(Find("/page/style.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(Find("/page/main.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(Find("/page/favicon.svg").content_type, "image/svg+xml");
  EXPECT_TRUE(std::regex_match(std::string(Find("/").etag), std::regex("\"[0-9a-f]{32}\"")));
}

TEST(PageTest, NothingElseIsThere) {
  for (const char* path : {"", "/page", "/page/", "/index.html", "/page/index.html", "/page/page.h",
                           "/page/../page/main.js", "/page/MAIN.js", "page/main.js"}) {
    EXPECT_EQ(FindPageFile(path), nullptr) << path;
  }
}

TEST(PageTest, WhatFilesReferToIsThere) {
  const std::regex reference(R"re((?:src|href)="(/page/[^"]*)"|from "\./([^"]*)")re");
  size_t references = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (!IsServed(entry.path())) continue;
    const std::string text = Read(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at) {
      const std::string path = (*at)[1].matched ? (*at)[1].str() : "/page/" + (*at)[2].str();
      EXPECT_NE(FindPageFile(path), nullptr) << entry.path() << " refers to " << path;
      ++references;
    }
  }
  EXPECT_GT(references, 20u);
}

// What the policy forbids would not work, and only show in a browser.
TEST(PageTest, HtmlHasNoStyleOrScriptInside) {
  const std::string page(Find("/").bytes);
  EXPECT_FALSE(std::regex_search(page, std::regex(R"re(\sstyle=|\son\w+=|<style|javascript:)re")));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"re(<script(?![^>]*\ssrc="/page/))re")));
  EXPECT_FALSE(std::regex_search(page, std::regex("https?://")));
}

}  // namespace
}  // namespace siglip::server
