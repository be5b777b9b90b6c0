import CBeginAgain
import Foundation
import ProgramLog

/// A process that begins again by itself when a file that it maps is cut short under it: all that it needs is on the disk.
enum NewBeginning {
    private static let variable = "ORCHESTRION_BEGAN_AGAIN"

    /// Says where this process is such a beginning, and watches for the next. To be called before models are opened, whose own
    /// guards come first then.
    static func tell() {
        cba_watch()
        guard getenv(variable) != nil else { return }
        unsetenv(variable)
        Terminal.log(
            "warning: somebody shortened a file that this process had mapped, such as journal.sqlite-shm; it began again, and goes "
                + "on from its journal", .warning)
    }

    /// From now on it begins again where it must.
    ///
    /// - Parameter values: of options, what counts then instead of what was given: an address with its port.
    static func prepare(_ values: [String: String]) {
        let arguments = replaced(CommandLine.arguments, values)
        let copies = arguments.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let list = copies.map { UnsafePointer<CChar>($0) } + [nil]
        list.withUnsafeBufferPointer { cba_begin_again($0.baseAddress, "\(variable)=1") }
    }

    static func replaced(_ arguments: [String], _ values: [String: String]) -> [String] {
        var result: [String] = []
        for argument in arguments {
            if let last = result.last, let value = values[last] {
                result.append(value)
            } else if let (name, value) = values.first(where: { argument.hasPrefix($0.key + "=") }) {
                result.append("\(name)=\(value)")
            } else {
                result.append(argument)
            }
        }
        // What a file or the environment says is not among them, and the command line comes before both.
        let missing = values.filter { option, _ in
            !arguments.contains { $0 == option || $0.hasPrefix(option + "=") }
        }
        return result + missing.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
