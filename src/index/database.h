// The database, as far as an index needs one: statements, transactions, and failures as Error.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "siglip/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace siglip {

/// A statement that is compiled once and run often. Columns and parameters are what SQL makes of
/// them; a blob is a view that lasts until the next step.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql, const std::string& name);

  /// Begins anew with these values for ?1, ?2, ... Text and blobs must last until the last step.
  template <class... Values>
  Statement& Bind(const Values&... values) {
    Reset();
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }
  /// Whether there is another row.
  bool Step();
  /// To its end, for what has no rows.
  void Run();
  /// Ends it: as long as rows are read the state of the database that they belong to is kept.
  void Reset();

  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  std::span<const std::byte> Blob(int column) const;
  std::optional<int64_t> IntegerIfAny(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  template <std::integral Value>
  void BindOne(int index, Value value) {
    BindInteger(index, static_cast<int64_t>(value));
  }
  template <class Value>
  void BindOne(int index, const std::optional<Value>& value) {
    if (value) BindOne(index, *value);  // else NULL, as after a reset
  }
  void BindOne(int index, double value);
  void BindOne(int index, std::string_view text);
  void BindOne(int index, const std::string& text) { BindOne(index, std::string_view(text)); }
  void BindOne(int index, const char* text) { BindOne(index, std::string_view(text)); }
  void BindOne(int index, std::span<const std::byte> blob);
  void BindInteger(int index, int64_t value);
  void Check(int result) const;

  sqlite3* database_;
  std::string name_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. To be used by one thread at a time.
class Database {
 public:
  enum class Access { kRead, kWrite };

  /// Opens the file; kWrite makes it where there is none. Throws Error naming it: kNotFound, kIo,
  /// kMalformedFile.
  Database(const std::filesystem::path& path, Access access);

  /// One or several statements without rows.
  void Execute(const std::string& sql);
  Statement Prepare(std::string_view sql) const;
  /// The first value of the first row.
  int64_t Integer(std::string_view sql) const;
  /// Of the row inserted last.
  int64_t last_id() const;
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  std::string name_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// All or nothing: what is done while it lasts is undone unless it is committed. Writers begin with
/// the lock that they will need.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  void Commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace siglip
