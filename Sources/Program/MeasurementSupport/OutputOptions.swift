import ArgumentParser
import Foundation

/// How results are printed.
package struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the results as JSON.")
    package var json = false

    package init() {}

    package func print(_ report: some Encodable, text: String) throws {
        guard json else { return Swift.print(text) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Swift.print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}
