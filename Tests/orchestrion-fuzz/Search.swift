import ArgumentParser
import CLibFuzzer
import Foundation
import FuzzSupport

/// Searches with libFuzzer, which sees which code an input reaches.
struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search with libFuzzer; Scripts/fuzz builds the program with it.",
        discussion: "Everything after -- goes to libFuzzer: folders of inputs, -max_total_time=60, …")

    @Argument(help: "Where to feed.")
    var entry: FuzzEntry

    @Argument(parsing: .postTerminator, help: "What libFuzzer gets.")
    var rest: [String] = []

    func run() throws {
        #if LIBFUZZER
            searched.entry = entry
            var pointers: [UnsafeMutablePointer<CChar>?] =
                ([CommandLine.arguments[0]] + rest).map { strdup($0) } + [nil]
            var count = Int32(pointers.count - 1)
            let code = pointers.withUnsafeMutableBufferPointer { buffer in
                var arguments = buffer.baseAddress
                return LLVMFuzzerRunDriver(&count, &arguments) { bytes, size in feed(bytes, size) }
            }
            throw ExitCode(code)
        #else
            throw ValidationError(
                "This program was built without libFuzzer; run Scripts/fuzz \(entry.rawValue) instead.")
        #endif
    }
}

#if LIBFUZZER
    /// libFuzzer calls a function without context, on one thread.
    private struct Searched { var entry = FuzzEntry.wire }
    nonisolated(unsafe) private var searched = Searched()

    private func feed(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
        do {
            _ = try searched.entry.feed(Array(UnsafeBufferPointer(start: bytes, count: size)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
#endif
