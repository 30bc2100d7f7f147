package engine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// A program is the command that runs an engine.
type program struct {
	name  string
	path  string
	dir   string   // working directory; empty for this process's
	env   []string // beside this process's
	args  func(port int) []string
	ready string // text that the program prints when it listens
}

func dynoxide(binary, db string) program {
	return program{
		name: "dynoxide",
		path: binary,
		args: func(port int) []string {
			args := []string{"serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port)}
			if db != "" {
				args = append(args, "--db-path", db)
			}
			return args
		},
		// One statement at a time goes into its database whatever the number of threads,
		// and its allocator gives pages back at each: with a second thread that interrupts
		// the other processors, which doubled the time of the tests on two.
		env:   []string{"TOKIO_WORKER_THREADS=1"},
		ready: "listening on",
	}
}

// amazon is DynamoDB Local, started through loopback.xml because its own main class
// listens on every address of the machine.
func amazon() (program, error) {
	root, err := moduleRoot()
	if err != nil {
		return program{}, err
	}
	base := filepath.Join(root, "infra", "local", "dynamodblocal")
	dir := filepath.Join(base, "node_modules", "amplify-dynamodb-simulator", "emulator")
	if _, err := os.Stat(filepath.Join(dir, "DynamoDBLocal.jar")); err != nil {
		return program{}, fmt.Errorf("DynamoDB Local is not installed; run `npm ci --prefix infra/local/dynamodblocal`: %w", err)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return program{}, fmt.Errorf("DynamoDB Local needs Java: %w", err)
	}
	return program{
		name: "DynamoDB Local",
		path: java,
		dir:  dir,
		args: func(port int) []string {
			return []string{
				"-Djava.library.path=DynamoDBLocal_lib",
				// Validating would read the schema of loopback.xml from the network.
				"-Dorg.eclipse.jetty.xml.XmlParser.Validating=false",
				"-Dorg.eclipse.jetty.LEVEL=INFO", // prints that the server has started
				"-cp", "DynamoDBLocal.jar" + string(os.PathListSeparator) + filepath.Join("DynamoDBLocal_lib", "*"),
				"org.eclipse.jetty.xml.XmlConfiguration",
				"port=" + strconv.Itoa(port),
				filepath.Join(base, "loopback.xml"),
			}
		},
		ready: "oejs.Server:main: Started",
	}, nil
}

// findDynoxide returns the path of the binary to run: named, or else EVISIT_DYNOXIDE,
// or else the binary that is installed for this machine.
func findDynoxide(named string) (string, error) {
	if named == "" {
		named = os.Getenv("EVISIT_DYNOXIDE")
	}
	if named != "" {
		if _, err := os.Stat(named); err != nil { //nolint:gosec // the user names the program
			return "", fmt.Errorf("the dynoxide that was named: %w", err)
		}
		return named, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "infra", "local", "node_modules", "@dynoxide", platform(), "dynoxide")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("dynoxide for %s is not installed; run `make setup`, or name a binary in EVISIT_DYNOXIDE: %w",
			platform(), err)
	}
	return path, nil
}

// platform is npm's name of this machine's platform.
func platform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// moduleRoot is the working directory, or the nearest folder above it, that holds
// go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("locating the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("locating the module: no go.mod in the working directory or above; run inside the repository or set EVISIT_DYNOXIDE")
		}
		dir = parent
	}
}
