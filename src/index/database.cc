#include "index/database.h"

#include <sqlite3.h>

#include <limits>

namespace siglip {
namespace {

/// Readers never wait for a writer, nor it for them; only the moment in which a write-ahead log is
/// begun anew or recovered is exclusive.
constexpr int kMostWaitMilliseconds = 10'000;

ErrorCode CodeOf(int result) {
  switch (result & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT: return ErrorCode::kMalformedFile;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG: return ErrorCode::kLimitExceeded;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return ErrorCode::kInternal;
    default: return ErrorCode::kIo;
  }
}

std::string HintOf(ErrorCode code) {
  if (code != ErrorCode::kMalformedFile) return {};
  return "make the index anew, in another folder";
}

[[noreturn]] void Throw(sqlite3* database, int result, const std::string& name) {
  const ErrorCode code = CodeOf(result);
  const char* const reason = database != nullptr && sqlite3_errcode(database) != SQLITE_OK
                                 ? sqlite3_errmsg(database)
                                 : sqlite3_errstr(result);
  throw Error(code, name + ": " + reason, HintOf(code));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(sqlite3* database, std::string_view sql, const std::string& name)
    : database_(database), name_(name) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  Check(result);
}

bool Statement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  sqlite3_reset(statement_.get());  // whose result is that of the step
  Throw(database_, result, name_);
}

void Statement::Run() {
  while (Step()) {
  }
  Reset();
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::Real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::Text(int column) const {
  const std::span<const std::byte> bytes = Blob(column);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> Statement::Blob(int column) const {
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {static_cast<const std::byte*>(data), data == nullptr ? 0 : size};
}

std::optional<int64_t> Statement::IntegerIfAny(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Integer(column);
}

void Statement::BindOne(int index, double value) {
  Check(sqlite3_bind_double(statement_.get(), index, value));
}

void Statement::BindOne(int index, std::string_view text) {
  Check(sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
}

void Statement::BindOne(int index, std::span<const std::byte> blob) {
  // Without an address it would be NULL.
  const void* const data = blob.data() == nullptr ? "" : static_cast<const void*>(blob.data());
  Check(sqlite3_bind_blob64(statement_.get(), index, data, blob.size(), SQLITE_STATIC));
}

void Statement::BindInteger(int index, int64_t value) {
  Check(sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::Check(int result) const {
  if (result != SQLITE_OK) Throw(database_, result, name_);
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Database::Database(const std::filesystem::path& path, Access access) : name_(path.string()) {
  const bool write = access == Access::kWrite;
  if (!write && !std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, name_ + ": there is no index", "make one: siglip index");
  }
  sqlite3* database = nullptr;
  // Readers take part in the bookkeeping of the write-ahead log, hence not read-only.
  const int flags = SQLITE_OPEN_READWRITE | (write ? SQLITE_OPEN_CREATE : 0);
  const int result = sqlite3_open_v2(name_.c_str(), &database, flags, nullptr);
  database_.reset(database);
  if (result != SQLITE_OK) Throw(database, result, name_);
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, kMostWaitMilliseconds);
  // What a hostile file may not do: run functions hidden in its schema.
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void Database::Execute(const std::string& sql) {
  const int result = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) Throw(database_.get(), result, name_);
}

Statement Database::Prepare(std::string_view sql) const { return {database_.get(), sql, name_}; }

int64_t Database::Integer(std::string_view sql) const {
  Statement statement = Prepare(sql);
  return statement.Step() ? statement.Integer(0) : 0;
}

int64_t Database::last_id() const { return sqlite3_last_insert_rowid(database_.get()); }

Transaction::Transaction(Database& database) : database_(database) {
  database_.Execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.Execute("ROLLBACK");
  } catch (const Error&) {
    // A failure such as a full disk may have ended it already.
  }
}

void Transaction::Commit() {
  database_.Execute("COMMIT");
  open_ = false;
}

}  // namespace siglip
